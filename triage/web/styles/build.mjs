// Builds what the pages ship into ../static: the styles, and the scripts of both design systems.
// sass writes an error page as CSS when it fails; compile() throws instead.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as sass from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const into = join(here, "..", "static");
const modules = join(here, "node_modules");
const moj = join(modules, "@ministryofjustice", "frontend", "moj");
mkdirSync(join(into, "images"), { recursive: true });
for (const name of ["triage", "moj"]) {
  const { css } = sass.compile(join(here, `${name}.scss`), {
    loadPaths: [here, join(here, "node_modules")],
    style: "compressed",
    quietDeps: true,
    silenceDeprecations: ["import"],
  });
  // The crest is the Crown's: the footer's rules that show it go.
  const shipped = css
    .replace(/[^{}]*\{[^{}]*govuk-crest[^{}]*\}/g, "")
    .replaceAll("/assets/images/", "/static/images/");
  if (/GDS Transport|@font-face|url\([^)]*crest/.test(shipped))
    throw new Error(`${name}.css has a font or a crest that is only for GOV.UK`);
  writeFileSync(join(into, `${name}.css`), shipped + "\n");
  for (const [, image] of shipped.matchAll(/\/static\/images\/([a-z-]+\.svg)/g))
    copyFileSync(join(moj, "assets", "images", image), join(into, "images", image));
}
for (const [folder, name] of [
  [join(modules, "govuk-frontend", "dist", "govuk"), "govuk-frontend.min.js"],
  [moj, "moj-frontend.min.js"],
]) {
  const script = readFileSync(join(folder, name), "utf8");
  writeFileSync(join(into, name), script.replace(/\/\/# sourceMappingURL=\S+\s*$/, "\n"));
}
