import {fileURLToPath} from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The public API of a module as text: every export by name with its type, written out one level deep; classes are
 * listed member by member. Anything else is internal to this package.
 */
export function describeSurface(module: string): string {
  const config = ts.readConfigFile(`${root}/tsconfig.build.json`, ts.sys.readFile);
  const {options} = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const index = `${root}/${module}`;
  const program = ts.createProgram([index], {...options, noEmit: true, incremental: false, composite: false});
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(index)!;
  const flags =
    ts.TypeFormatFlags.NoTruncation |
    ts.TypeFormatFlags.InTypeAlias |
    ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType |
    ts.TypeFormatFlags.WriteArrowStyleSignature;
  // A type of another module is given by name, without its path.
  const text = (type: ts.Type) =>
    checker
      .typeToString(type, undefined, flags)
      .replaceAll(/import\("[^"]*"\)\./g, '')
      .replaceAll(/typeof import\("[^"]*"\)/g, 'typeof module');

  const describe = (symbol: ts.Symbol): string => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const {name} = symbol;
    if (target.flags & ts.SymbolFlags.Class) {
      const type = checker.getDeclaredTypeOfSymbol(target);
      const statics = checker
        .getPropertiesOfType(checker.getTypeOfSymbol(target))
        .filter((s) => s.name !== 'prototype');
      const member = (prefix: string) => (property: ts.Symbol) =>
        isInternal(property) ? [] : [`  ${prefix}${memberName(property)}: ${text(checker.getTypeOfSymbol(property))}`];
      const bases = checker.getBaseTypes(type as ts.InterfaceType).map((base) => ` extends ${text(base)}`);
      const own = type.getProperties().filter((property) => isOurs(property));
      return [
        `class ${name}${bases.join('')}`,
        ...own.flatMap(member('')),
        ...statics.filter(isOurs).flatMap(member('static ')),
      ].join('\n');
    }
    if (target.flags & ts.SymbolFlags.TypeAlias || target.flags & ts.SymbolFlags.Interface) {
      return `type ${name} = ${text(checker.getDeclaredTypeOfSymbol(target))}`;
    }
    return `${target.flags & ts.SymbolFlags.Function ? 'function' : 'const'} ${name}: ${text(checker.getTypeOfSymbol(target))}`;
  };
  const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(file)!);
  const entries = symbols
    .filter((symbol) => !isInternal(symbol))
    .map((symbol) => [symbol.name, describe(symbol)] as const);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `${entries.map(([, entry]) => entry).join('\n\n')}\n`;
}

function memberName({name}: ts.Symbol): string {
  // The compiler's name of a well-known symbol contains a number that varies.
  return name.startsWith('__@') ? `[Symbol.${name.slice(3).replace(/@\d+$/, '')}]` : name;
}

function isOurs(symbol: ts.Symbol): boolean {
  const declaration = symbol.declarations?.[0];
  if (declaration === undefined || declaration.getSourceFile().fileName.includes('/node_modules/')) return false;
  if (ts.isPropertyDeclaration(declaration) && ts.isPrivateIdentifier(declaration.name)) return false;
  return !(ts.isMethodDeclaration(declaration) && ts.isPrivateIdentifier(declaration.name));
}

function isInternal(symbol: ts.Symbol): boolean {
  return symbol.getJsDocTags().some(({name}) => name === 'internal');
}
