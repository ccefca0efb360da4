// The whole way with an Exchange of one's own and an Italian visitor; what Exchange cannot do is not offered.
import { test } from "node:test";
import { people } from "./host.js";
import { wholeJourney } from "./journey.js";

test("an Exchange calendar is connected and booked", async () => {
  await wholeJourney({
    host: people.agnes,
    label: "exchange",
    page: "Primo incontro",
    visitor: { name: "Ida Conti", email: "ida@example.net", locale: "it-IT", timeZone: "Europe/Rome" },
    changes: false,
    pictures: false,
  });
});
