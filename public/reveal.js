/* Adds a button that shows a password while it is typed; without it, the field stays as it is. */
for (const input of document.querySelectorAll('input[data-reveal]')) {
  const box = document.createElement('span');
  box.className = 'reveal';
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = input.dataset.reveal;
  button.setAttribute('aria-controls', input.id);
  input.replaceWith(box);
  box.append(input, button);
  const show = (shown) => {
    input.type = shown ? 'text' : 'password';
    button.textContent = shown ? input.dataset.conceal : input.dataset.reveal;
  };
  button.addEventListener('click', () => show(input.type === 'password'));
  input.form.addEventListener('submit', () => show(false));
}
