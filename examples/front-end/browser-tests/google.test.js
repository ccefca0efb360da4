// The whole way with a Google calendar and an English visitor; the event stands there once.
import { test } from "node:test";
import { people } from "./host.js";
import { wholeJourney } from "./journey.js";

test("a Google calendar is connected, booked, moved, called off", async () => {
  await wholeJourney({
    host: people.ada,
    label: "google",
    page: "Roof inspection",
    visitor: { name: "Emma Evans", email: "emma.evans@example.net", locale: "en-GB", timeZone: "Europe/London" },
    changes: true,
    pictures: true,
  });
});
