// Signs in once per server, so that the other tests do not run into the rate limit.

import { ADMIN, LEAD, PASSWORD, SERVERS, type ServerName, session, url } from "../fixtures/servers.ts";
import { expect, test } from "../fixtures/test.ts";

const people = [
  ...(Object.keys(SERVERS) as ServerName[]).map((server) => ({ who: "admin", email: ADMIN, server })),
  { who: "lead", email: LEAD, server: "normal" as ServerName },
  { who: "admin", email: ADMIN, server: "postgres" as ServerName },
  { who: "admin", email: "ada", server: "profileless" as ServerName },
  ...["owner", "two.owners", "member"].map((who) => ({ who, email: `${who}@sample.test`, server: "chat" as ServerName })),
  ...["carol", "mehmet"].map((who) => ({ who, email: `${who}@sample.test`, server: "people" as ServerName })),
];

for (const { who, email, server } of people) {
  test(`${who} signs in on the ${server} server`, async ({ page }) => {
    await page.goto(`${url(server)}/login`);
    await page.getByLabel("E-mail address").fill(email);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "Tools", exact: true })).toBeVisible();
    await page.context().storageState({ path: session(who, server) });
  });
}
