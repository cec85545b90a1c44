/**
 * The part of the page's script that draws throughput by number of workers: the model as the run is and with the
 * sliders, the step alone, and what was measured. It makes `drawScaling`, which takes a changed model.
 */
export const SCALING_SCRIPT = `
    const most = Math.max(...sliders.find(({ key }) => key === "numWorkers").values, ...measured.map((p) => p.numWorkers));
    const counts = Array.from({ length: most + 1 }, (_, n) => n);
    const finite = (value) => (Number.isFinite(value) ? value : null);
    const curve = (of) => counts.map((numWorkers) => finite(predict(changeModel(of, workersChange(of, numWorkers))).samplesPerSec));
    const alone = counts.map((n) => measured.find((p) => p.numWorkers === n)?.samplesPerSec ?? null);
    const run = counts.map((n) => (n === model.numWorkers ? inRunPerSec ?? null : null));
    const present = curve(model);
    const scalingOf = (changed) => {
      const step = finite(predict(changed).computePerSec);
      return [counts, present, curve(changed), counts.map(() => step), alone, run];
    };
    let scaled = scalingOf(model);
    // What the loader does alone may be far above all that the run could be: it must not flatten the curves.
    const topOf = (max) => {
      const modelled = Math.max(1, inRunPerSec ?? 0, ...scaled.slice(1, 4).flat());
      return max > 3 * modelled ? 1.2 * modelled : max;
    };
    const setScaling = mount(document.getElementById("scaling"), (colour, axis, width) => {
      const value = (u, v) => (v == null ? "–" : rateText(v));
      const line = (label, tone, more) => ({ label, stroke: colour(tone), width: 2, points: { show: false }, value, ...more });
      const dots = (label, tone, size) => line(label, tone, {
        paths: () => null, width: 0, points: { show: true, size, width: 2, stroke: colour(tone), fill: colour("card") },
      });
      const options = {
        width, height: 280, padding: [12, 16, 0, 0], cursor: { y: false, drag: { x: false, y: false } },
        scales: { x: { time: false }, y: { range: (u, min, max) => [0, topOf(max || 1) * 1.08] } },
        axes: [
          { ...axis, label: "workers", labelSize: 22, labelFont: axis.font, incrs: [1, 2, 4, 5, 8, 10, 20, 50] },
          { ...axis, size: 64, values: (u, ticks) => ticks.map((t) => rateText(t)) },
        ],
        series: [
          { label: "workers", value: (u, v) => (v == null ? "–" : String(v)) },
          line("model of the run", "soft", { dash: [6, 5] }),
          line("with the sliders", "ink", { width: 2.5 }),
          line("step alone", "compute", { dash: [2, 4] }),
          dots("loader alone, measured", "prep", 9),
          dots("the run", "stall", 11),
        ],
      };
      return [options, scaled];
    });
    const drawScaling = (changed) => {
      scaled = scalingOf(changed);
      setScaling(scaled);
    };
`;
