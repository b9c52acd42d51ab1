
'use strict';
// Shows the numbers of a mark at once, under the pointer and at the keyboard's focus. A plot is one tab stop; arrow keys go from mark to mark.
for (const figure of document.querySelectorAll('figure')) {
  const targets = Array.from(figure.querySelectorAll('.target'));
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.setAttribute('aria-hidden', 'true');
  tip.hidden = true;
  figure.append(tip);
  const hide = () => { tip.hidden = true; };
  const show = target => {
    const [name, ...numbers] = target.getAttribute('aria-label').split(': ');
    tip.replaceChildren(Object.assign(document.createElement('b'), { textContent: numbers.join(': ') }), document.createElement('br'), name);
    tip.hidden = false;
    const frame = figure.getBoundingClientRect(), mark = target.getBoundingClientRect();
    const left = mark.left + mark.width / 2 - tip.offsetWidth / 2 - frame.left;
    const above = mark.top - frame.top - tip.offsetHeight - 6;
    tip.style.left = Math.max(0, Math.min(left, frame.width - tip.offsetWidth)) + 'px';
    tip.style.top = (above > 0 ? above : mark.bottom - frame.top + 6) + 'px';
  };
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -targets.length, End: targets.length };
  targets.forEach((target, index) => {
    const title = target.querySelector('title');
    target.setAttribute('aria-label', title.textContent);
    title.remove(); // or the browser would show a second box
    target.setAttribute('tabindex', index === 0 ? '0' : '-1');
    target.addEventListener('pointerenter', () => show(target));
    target.addEventListener('pointerleave', hide);
    target.addEventListener('focus', () => show(target));
    target.addEventListener('blur', hide);
    target.addEventListener('keydown', event => {
      if (event.key === 'Escape') { hide(); return; }
      if (!(event.key in steps)) { return; }
      event.preventDefault();
      const next = targets[Math.max(0, Math.min(targets.length - 1, index + steps[event.key]))];
      target.setAttribute('tabindex', '-1');
      next.setAttribute('tabindex', '0');
      next.focus();
    });
  });
}
