// What stands around everything a host sees.
import { Anchor, Button, Container, Group, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Navigate, NavLink, Outlet, useLocation } from "react-router";
import { session, useSession } from "../session/session";
import { LanguageSwitch } from "../ui/LanguageSwitch";
import classes from "./Shell.module.css";

const PLACES = [
  ["/settings/calendar", "navSettings"],
  ["/pages", "navPages"],
  ["/bookings", "navBookings"],
] as const;

export function Shell() {
  const { t } = useTranslation("host");
  const signedIn = useSession();
  const location = useLocation();
  const queries = useQueryClient();
  if (signedIn === null) return <Navigate to="/sign-in" state={{ from: location.pathname + location.search }} replace />;
  return (
    <>
      <a className="skip-link" href="#content">{t("skip")}</a>
      <header className={classes.header}>
        <Container size="68rem">
          <Group justify="space-between">
            <Group component="nav" gap="xs" aria-label={t("navigation")}>
              {PLACES.map(([to, label]) => (
                <Anchor key={to} component={NavLink} to={to} className={classes.place} underline="never">{t(label)}</Anchor>
              ))}
            </Group>
            <Group gap="xs">
              <Text size="sm" c="dimmed" visibleFrom="sm">{signedIn.name}</Text>
              <LanguageSwitch />
              <Button variant="subtle" size="compact-md" onClick={() => { session.end(); queries.clear(); }}>{t("signOut")}</Button>
            </Group>
          </Group>
        </Container>
      </header>
      <main id="content" className="page"><Outlet /></main>
    </>
  );
}
