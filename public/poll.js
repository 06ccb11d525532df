/* The waiting page looks by itself whether it may go on; without it, the page has a button. */
const box = document.querySelector('[data-poll]');
if (box) {
  const pause = Math.max(1, Number(box.dataset.seconds) || 3) * 1000;
  let misses = 0;
  const look = async () => {
    try {
      const answer = await fetch(box.dataset.poll, {
        headers: { accept: 'application/json' },
        credentials: 'same-origin',
      });
      if (!answer.ok) throw new Error(String(answer.status));
      misses = 0;
      if ((await answer.json()).done) {
        location.assign(box.dataset.go);
        return;
      }
    } catch {
      misses += 1;
    }
    setTimeout(look, pause * Math.min(8, 1 + misses));
  };
  setTimeout(look, pause);
}
