// Allure 3 CLI (allure@3.18.0): `python -m harness allure` runs it with this file.
// The release verdict comes from the harness's own manifest, as the first test; Allure only shows it.
export default {
  name: "voice cloning release gate",
  output: ".harness/allure-report",
  historyPath: ".harness/allure-history.jsonl",
  historyLimit: 90,
  appendHistory: !process.argv.includes("quality-gate"),
  categories: {
    rules: [
      { name: "Quality verdict: the take is not good enough", matchers: { statuses: ["failed"] } },
      { name: "Harness error: nothing is known about the take", matchers: { statuses: ["broken"] } },
      { name: "Not judged: the question does not arise", matchers: { statuses: ["skipped"] } },
    ],
  },
  plugins: {
    awesome: {
      options: { reportName: "voice cloning release gate", singleFile: false, groupBy: ["parentSuite", "suite", "subSuite"] },
    },
  },
  // Beside the exit code of pytest, never in place of it: an empty folder of results must not pass.
  qualityGate: { rules: [{ maxFailures: 0, minTestsCount: 2 }] },
};
