// The whole way with an Office 365 calendar and a German visitor.
import { test } from "node:test";
import { people } from "./host.js";
import { wholeJourney } from "./journey.js";

test("an Office 365 calendar is connected, booked, moved, called off", async () => {
  await wholeJourney({
    host: people.astrid,
    label: "office365",
    page: "Erstes Gespräch",
    visitor: { name: "Dora Dietrich", email: "dora.dietrich@example.net", locale: "de-DE", timeZone: "Europe/Berlin" },
    changes: true,
    pictures: false,
  });
});
