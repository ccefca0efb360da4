// Sign in as somebody of the sandbox's company. A real front end has its own sign-in here.
import { Alert, Badge, Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useLocation, useNavigate } from "react-router";
import { LanguageSwitch } from "../ui/LanguageSwitch";
import { ProblemAlert } from "../ui/ProblemAlert";
import { PROVIDER_NAMES, type Provider } from "../settings/providers";
import { listPeople, signIn, type Person } from "./session";

export function SignInPage() {
  const { t } = useTranslation("host");
  const navigate = useNavigate();
  const { state } = useLocation() as { state: { from?: string } | null };
  const queries = useQueryClient();
  const people = useQuery({ queryKey: ["people"], queryFn: listPeople });
  const enter = useMutation({
    mutationFn: signIn,
    onSuccess: () => {
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== "people" });
      return navigate(state?.from ?? "/settings/calendar", { replace: true });
    },
  });
  return (
    <main className="visitor-page">
      <Stack>
        <Group justify="space-between">
          <Title order={1}>{t("signInTitle")}</Title>
          <LanguageSwitch />
        </Group>
        <Alert color="gray">{t("signInText")}</Alert>
        <ProblemAlert error={people.error ?? enter.error} />
        {people.data?.map((person) => (
          <Paper key={person.email} withBorder p="md">
            <Group justify="space-between">
              <div>
                <Group gap="xs">
                  <Text fw={600}>{person.name}</Text>
                  <Badge variant="light" color="gray">{providerName(person)}</Badge>
                </Group>
                <Text size="sm" c="dimmed" className="breaks">{person.email} · {t(describe(person))}</Text>
              </div>
              <Button variant="default" aria-label={t("signInAs", { name: person.name })} loading={enter.isPending && enter.variables === person.email}
                onClick={() => { enter.mutate(person.email); }}>{t("signIn")}</Button>
            </Group>
          </Paper>
        ))}
      </Stack>
    </main>
  );
}

function providerName(person: Person): string {
  return PROVIDER_NAMES[person.provider as Provider];
}

function describe(person: Person): "personBusy" | "personEmpty" | "personFree" {
  if (!person.paid) return "personFree";
  return person.furnished ? "personBusy" : "personEmpty";
}
