// Allure 3 CLI (allure@3.18.0): `python -m harness allure` runs it with this file.
// The release verdict comes from the harness's own manifest, as the first test; Allure only shows it.
export default {
  name: "voice cloning release gate",
  output: ".harness/allure-report",
  historyPath: ".harness/allure-history.jsonl",
  historyLimit: 90,
  appendHistory: !process.argv.includes("quality-gate"),
  categories: {
    // The first that fits; one line for each message, which names the gates: a cause with all its takes.
    rules: [
      { name: "The verdict on the run", matchers: { statuses: ["failed", "broken"], message: /^May it go out\?/ } },
      { name: "FAIL: shown outside a limit, by gate", matchers: { statuses: ["failed"], message: /^(Failed: )?FAIL/ } },
      { name: "INCONCLUSIVE: could not be measured, by gate", matchers: { statuses: ["failed"], message: /^(Failed: )?INCONCLUSIVE/ } },
      { name: "Failed though no gate did", matchers: { statuses: ["failed"] } },
      { name: "Not judged: the run ended before, or the harness failed", matchers: { statuses: ["broken"] } },
      { name: "EXCUSED: broke a gate, and few enough did", matchers: { statuses: ["skipped"], message: /^(XFAIL |EXCUSED)/ } },
      { name: "Not asked: the question does not arise", matchers: { statuses: ["skipped"] } },
    ].map((rule) => ({ groupByMessage: true, ...rule })),
  },
  plugins: {
    awesome: {
      options: { reportName: "voice cloning release gate: the first test is the verdict, the ring only counts tests", singleFile: false, groupBy: ["parentSuite", "suite", "subSuite"] },
    },
  },
  // Beside the exit code of pytest, never in place of it: an empty folder of results must not pass.
  qualityGate: { rules: [{ maxFailures: 0, minTestsCount: 2 }] },
};
