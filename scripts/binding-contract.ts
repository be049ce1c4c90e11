import {readFileSync} from 'node:fs';
import ts from 'typescript';

/**
 * The kind of each name: 'Model' is a class, 'Model.create' a static function, 'Model#detect' a method, 'ops.nms' a
 * function.
 */
export type Contract = Map<string, 'class' | 'function' | 'object'>;

/** The values that a declaration file exports. */
export function readDeclarations(path: string): Contract {
  const source = ts.createSourceFile(
    path,
    readFileSync(path, 'utf8'),
    ts.ScriptTarget.Latest,
    /*setParentNodes=*/ true,
  );
  const contract: Contract = new Map();
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement)) contract.set(statement.name!.text, 'function');
    if (ts.isClassDeclaration(statement)) {
      const name = statement.name!.text;
      contract.set(name, 'class');
      for (const member of statement.members.filter((node) => ts.isMethodDeclaration(node))) {
        const isStatic = member.modifiers?.some(({kind}) => kind === ts.SyntaxKind.StaticKeyword);
        contract.set(`${name}${isStatic ? '.' : '#'}${member.name.getText()}`, 'function');
      }
    }
    if (ts.isVariableStatement(statement)) {
      for (const {name, type} of statement.declarationList.declarations) {
        contract.set(name.getText(), 'object');
        if (type === undefined || !ts.isTypeLiteralNode(type)) continue;
        for (const member of type.members) contract.set(`${name.getText()}.${member.name!.getText()}`, 'function');
      }
    }
  }
  return contract;
}

/** The values that a module exports at run time, by the same names. */
export function readExports(module: object): Contract {
  const contract: Contract = new Map();
  for (const [name, value] of Object.entries(module)) {
    // A class has methods on its prototype. A plain function of Node-API has an empty prototype.
    const methods = typeof value === 'function' ? ownMembers(value.prototype) : [];
    if (methods.length > 0) {
      contract.set(name, 'class');
      for (const method of methods) contract.set(`${name}#${method}`, 'function');
      for (const member of ownMembers(value)) contract.set(`${name}.${member}`, 'function');
    } else if (typeof value === 'function') contract.set(name, 'function');
    else {
      contract.set(name, 'object');
      for (const member of Object.keys(value)) contract.set(`${name}.${member}`, 'function');
    }
  }
  return contract;
}

/** The differences, as one sentence each. */
export function compareBinding(declared: Contract, module: object): string[] {
  const real = readExports(module);
  const problems: string[] = [];
  for (const [name, kind] of declared) {
    const found = real.get(name);
    if (found === undefined) problems.push(`${name} is declared in binding.d.ts, but the addon does not export it.`);
    else if (found !== kind)
      problems.push(`${name} is declared as ${kind} in binding.d.ts, but the addon has ${found}.`);
  }
  for (const name of real.keys()) {
    if (!declared.has(name)) problems.push(`${name} is exported by the addon, but not declared in binding.d.ts.`);
  }
  return problems;
}

function ownMembers(value: object | undefined): string[] {
  if (value === undefined) return [];
  return Object.getOwnPropertyNames(value).filter(
    (name) => !['constructor', 'prototype', 'name', 'length', 'arguments', 'caller'].includes(name),
  );
}
