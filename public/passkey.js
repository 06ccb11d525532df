/*
 * A passkey ceremony for each form[data-passkey]: asks the device, puts the answer as JSON into the form's `response`
 * and submits it; the server answers 303. Every word comes from data attributes.
 */
const bytes = (text) => {
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
};
const text = (buffer) => {
  let binary = '';
  for (const byte of new Uint8Array(buffer)) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
};
const descriptors = (list) => list?.map((item) => ({ ...item, id: bytes(item.id) })) ?? [];

/* WebAuthn Level 3 parse…FromJSON and toJSON, with the same done by hand for browsers without them. */
function requestOptions(json) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  return { ...json, challenge: bytes(json.challenge), allowCredentials: descriptors(json.allowCredentials) };
}
function creationOptions(json) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  return {
    ...json,
    challenge: bytes(json.challenge),
    user: { ...json.user, id: bytes(json.user.id) },
    excludeCredentials: descriptors(json.excludeCredentials),
  };
}
function toJson(credential) {
  // Some password managers offer a toJSON that throws.
  try {
    if (credential.toJSON) return credential.toJSON();
  } catch {}
  const { response } = credential;
  const optional = (name) => (response[name] ? { [name]: text(response[name]) } : {});
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      ...optional('attestationObject'),
      ...optional('authenticatorData'),
      ...optional('signature'),
      ...optional('userHandle'),
      ...(response.getTransports ? { transports: response.getTransports() } : {}),
    },
  };
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  const button = form.querySelector('button[type="submit"]');
  const status = form.querySelector('[role="status"]');
  const answer = form.elements.namedItem('response');
  const options = JSON.parse(form.dataset.options);
  const create = form.dataset.passkey === 'create';
  let waiting = null; // The autofill request; a device takes one request at a time.

  const say = (words, bad) => {
    status.textContent = words;
    status.classList.toggle('bad', bad);
  };

  const send = (credential) => {
    answer.value = JSON.stringify(toJson(credential));
    HTMLFormElement.prototype.submit.call(form);
  };

  if (!window.PublicKeyCredential) {
    button.disabled = true;
    say(form.dataset.unsupported, true);
    continue;
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    waiting?.abort();
    button.disabled = true;
    say(form.dataset.busy, false);
    try {
      const credential = create
        ? await navigator.credentials.create({ publicKey: creationOptions(options) })
        : await navigator.credentials.get({ publicKey: requestOptions(options) });
      send(credential);
    } catch (error) {
      button.disabled = false;
      const said = {
        NotAllowedError: 'cancelled',
        AbortError: 'cancelled',
        InvalidStateError: 'exists',
        NotSupportedError: 'unsupported',
      };
      say(form.dataset[said[error.name] ?? 'failed'], true);
      if (!create) void autofill();
    }
  });

  // Passkeys offered in the field's own suggestions; quiet where the browser can't, or the person does not want.
  async function autofill() {
    if (form.dataset.conditional === undefined) return;
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    waiting = new AbortController();
    try {
      const credential = await navigator.credentials.get({
        publicKey: requestOptions(options),
        mediation: 'conditional',
        signal: waiting.signal,
      });
      if (credential) send(credential);
    } catch {}
  }
  if (!create) void autofill();
}
