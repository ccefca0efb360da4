// Who comes. What is wrong stands at its field, and the first of them gets the focus.
import { Button, Checkbox, Group, Stack, TagsInput, TextInput, Title } from "@mantine/core";
import { useRef, useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import type { PublicSchedulingPage } from "../../generated";
import { fieldError } from "../api/problem";
import { ProblemAlert } from "../ui/ProblemAlert";
import { complaints, type Draft } from "./answers";
import { QuestionInput } from "./QuestionInput";

interface Props {
  page: PublicSchedulingPage;
  /** What is filled in already. */
  initial: Draft;
  /** Booking makes a request: the page is offline, or the time is only on request. */
  asRequest: boolean;
  sending: boolean;
  error: unknown;
  onBack: () => void;
  onSend: (draft: Draft) => void;
}

export function BookingForm({ page, initial, asRequest, sending, error, onBack, onSend }: Props) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<Draft>(initial);
  const [checked, setChecked] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const found = checked ? complaints(page, draft) : {};
  const errorAt = (pointer: string): string | undefined => {
    const complaint = found[pointer];
    return complaint === undefined ? fieldError(error, pointer) : t(complaint);
  };
  const change = (part: Partial<Draft>) => { setDraft({ ...draft, ...part }); };

  function submit(event: SubmitEvent) {
    event.preventDefault();
    setChecked(true);
    if (Object.keys(complaints(page, draft)).length === 0) onSend(draft);
    // After the fields have been told that they are wrong.
    else window.setTimeout(() => form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  }

  return (
    <form ref={form} noValidate onSubmit={submit}>
      <Stack>
        <Title order={2} size="h4">{t("details")}</Title>
        <TextInput label={t("name")} name="name" autoComplete="name" required value={draft.name} error={errorAt("/name")}
          onChange={(event) => { change({ name: event.currentTarget.value }); }} />
        <TextInput label={t("email")} name="email" type="email" autoComplete="email" required value={draft.email}
          error={errorAt("/email")} onChange={(event) => { change({ email: event.currentTarget.value }); }} />
        {page.form_fields.map((field) => (
          <QuestionInput key={field.id} field={field} value={draft.answers[field.id]} error={errorAt(`/answers/${field.id}`)}
            onChange={(value) => { change({ answers: { ...draft.answers, [field.id]: value } }); }} />
        ))}
        {page.max_guests > 0 && (
          <TagsInput label={t("guests")} description={t("guestsHelp", { max: page.max_guests })} maxTags={page.max_guests}
            splitChars={[",", " ", ";"]} acceptValueOnBlur value={draft.guests} error={errorAt("/guests")}
            onChange={(guests) => { change({ guests }); }} />
        )}
        {page.consent_text !== null && (
          <Checkbox label={page.consent_text} name="consent" required checked={draft.consent} error={errorAt("/consent")} aria-invalid={errorAt("/consent") !== undefined}
            onChange={(event) => { change({ consent: event.currentTarget.checked }); }} />
        )}
        <ProblemAlert error={error} />
        <Group>
          <Button type="submit" loading={sending}>{t(asRequest ? "request" : "book")}</Button>
          <Button variant="default" onClick={onBack}>{t("back")}</Button>
        </Group>
      </Stack>
    </form>
  );
}
