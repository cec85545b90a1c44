/**
 * The part of the page's script that keeps the answer of the what-if section up to date: it reads the controls, asks
 * `predict`, and shows rate, limit and gain. The figures change at once, the chart with the next frame.
 */
export const WHAT_IF_SCRIPT = `
    const element = (id) => document.getElementById(id);
    const inputs = new Map(sliders.map(({ key }) => [key, element("slide-" + key)]));
    const storing = element("storing");
    const asItIs = predict(model);
    let frame = 0;
    // Without workers a run has no depth: it goes with the workers, until the reader chooses one.
    let follows = model.prefetchDepth < 1;
    const put = ({ key, values, start }, value) => {
      const at = value === undefined ? start : values.indexOf(value);
      inputs.get(key).value = String(at < 0 ? start : at);
    };
    const move = ({ target }) => {
      const { numWorkers, prefetchDepth } = settings();
      if (target === inputs.get("prefetchDepth")) follows = prefetchDepth < 1;
      if (follows) put(sliders.find(({ key }) => key === "prefetchDepth"), workersChange(model, numWorkers).prefetchDepth);
      show();
    };
    const settings = () => {
      const { bytesFactor, prepFactor } = storing ? storings[Number(storing.value)] : { bytesFactor: 1, prepFactor: 1 };
      const chosen = sliders.map(({ key, values }) => [key, values[Number(inputs.get(key).value)]]);
      return { ...Object.fromEntries(chosen), bytesFactor, prepFactor };
    };
    const show = () => {
      for (const { key, texts } of sliders) {
        const input = inputs.get(key);
        const text = texts[Number(input.value)];
        element("value-" + key).textContent = text;
        input.setAttribute("aria-valuetext", text);
        input.style.setProperty("--at", (100 * input.value) / input.max + "%");
      }
      const changed = changeModel(model, settingsChange(settings()));
      const { samplesPerSec, bound, fetchPerSec, prepPerSec, computePerSec } = predict(changed);
      element("predicted").textContent = rateText(samplesPerSec);
      element("gain").textContent = (samplesPerSec / asItIs.samplesPerSec).toFixed(2) + "x";
      element("bound").textContent = bound + "-bound";
      element("bound").className = "badge tone-" + bound;
      const top = Math.max(3 * asItIs.samplesPerSec, 1.2 * samplesPerSec);
      for (const [key, rate] of [["fetch", fetchPerSec], ["prep", prepPerSec], ["compute", computePerSec]]) {
        element("rate-" + key).textContent = rateText(rate);
        element("bar-" + key).style.width = Math.min(100, (100 * rate) / top) + "%";
        element("bar-" + key).parentElement.parentElement.classList.toggle("limit", key === bound);
      }
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => drawScaling(changed));
    };
    const choose = (change) => {
      follows = model.prefetchDepth < 1;
      for (const slider of sliders) put(slider, change[slider.key]);
      const { bytesFactor = 1, prepFactor = 1 } = change;
      if (storing) storing.value = String(Math.max(0, storings.findIndex((s) => s.bytesFactor === bytesFactor && s.prepFactor === prepFactor)));
      show();
    };
    element("controls").addEventListener("input", move);
    element("reset").addEventListener("click", () => choose({}));
    for (const button of document.querySelectorAll("button.try")) button.addEventListener("click", () => choose(rows[Number(button.dataset.row)].change));
    show();
`;
