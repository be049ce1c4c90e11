// Asks for the token of the server in the page, and keeps it for this tab alone.
const KEY = 'token';

/** The question that is being asked, if there is one: several requests wait for one answer. */
let asking;

/** The headers of a request. */
export function withToken(headers) {
  const token = sessionStorage.getItem(KEY);
  return token === null ? headers : {...headers, authorization: `Bearer ${token}`};
}

/** Waits until somebody has given a token, because the server has refused the one of `headers`, or none. */
export function askForToken({authorization}) {
  // Another request may have got a token since.
  if (asking === undefined && withToken({}).authorization !== authorization) return Promise.resolve();
  asking ??= show(authorization !== undefined).finally(() => {
    asking = undefined;
  });
  return asking;
}

function show(isWrong) {
  sessionStorage.removeItem(KEY);
  const form = document.createElement('form');
  form.className = 'token';
  const label = document.createElement('label');
  label.append('Token of this server');
  const field = document.createElement('input');
  Object.assign(field, {type: 'password', required: true, autocomplete: 'current-password'});
  label.append(field);
  const button = document.createElement('button');
  button.append('Continue');
  const problem = document.createElement('p');
  problem.className = 'problem';
  problem.setAttribute('role', 'alert');
  form.append(label, button, problem);
  document.querySelector('header').after(form);
  if (isWrong) problem.textContent = 'The server does not take this token.';
  field.focus();
  return new Promise((resolve) => {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const token = field.value.trim();
      // What a header cannot hold would be an error of another kind.
      if (!/^[\x20-\x7e]+$/.test(token)) {
        problem.textContent = 'A token has letters, digits and signs of ASCII only.';
        return;
      }
      sessionStorage.setItem(KEY, token);
      form.remove();
      resolve();
    });
  });
}
