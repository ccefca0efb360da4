// What visitors are asked beside their name and address.
import { Button, Checkbox, Group, NativeSelect, Paper, Stack, TagsInput, TextInput, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { FormField } from "../../generated";
import { fieldError } from "../api/problem";
import type { FieldsProps } from "./PageFields";

const KINDS: readonly FormField["kind"][] = ["text", "long_text", "email", "phone", "number", "date", "choice", "checkbox"];

export function QuestionFields({ draft, error, onChange }: FieldsProps) {
  const { t } = useTranslation("host");
  const questions = draft.form_fields;
  const change = (index: number, part: Partial<FormField>) => {
    onChange({ form_fields: questions.map((each, at) => (at === index ? { ...each, ...part } : each)) });
  };
  const add = () => {
    const taken = new Set(questions.map((each) => each.id));
    let number = questions.length + 1;
    while (taken.has(`question_${String(number)}`)) number += 1;
    onChange({ form_fields: [...questions, { id: `question_${String(number)}`, label: "", kind: "text", required: false }] });
  };
  return (
    <Stack>
      <Title order={2} size="h4">{t("questions")}</Title>
      {questions.map((question, index) => (
        <Paper key={question.id} bg="gray.0" p="sm">
          <Stack gap="sm">
            <Group grow align="flex-start" preventGrowOverflow={false}>
              <TextInput label={t("question")} required value={question.label} error={fieldError(error, `/form_fields/${String(index)}/label`)}
                onChange={(event) => { change(index, { label: event.currentTarget.value }); }} />
              <NativeSelect label={t("kind")} value={question.kind} data={KINDS.map((value) => ({ value, label: t(`kind_${value}`) }))}
                onChange={(event) => {
                  const kind = KINDS.find((each) => each === event.currentTarget.value) ?? "text";
                  change(index, { kind, options: kind === "choice" ? [] : undefined });
                }} />
            </Group>
            {question.kind === "choice" && (
              <TagsInput label={t("options")} value={question.options ?? []} acceptValueOnBlur error={fieldError(error, `/form_fields/${String(index)}/options`)}
                onChange={(options) => { change(index, { options }); }} />
            )}
            <Group justify="space-between">
              <Checkbox label={t("requiredQuestion")} checked={question.required} onChange={(event) => { change(index, { required: event.currentTarget.checked }); }} />
              <Button variant="subtle" color="red" size="compact-sm" onClick={() => { onChange({ form_fields: questions.filter((_, at) => at !== index) }); }}>
                {t("remove")}
              </Button>
            </Group>
          </Stack>
        </Paper>
      ))}
      <div><Button variant="default" onClick={add}>{t("addQuestion")}</Button></div>
    </Stack>
  );
}
