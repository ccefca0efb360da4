// What the page is called, where it is, what it says.
import { NativeSelect, Stack, Textarea, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Location } from "../../generated";
import { fieldError } from "../api/problem";
import { asLanguage, LANGUAGES } from "../i18n/language";
import type { PageDraft } from "./draft";

export interface FieldsProps {
  draft: PageDraft;
  error: unknown;
  onChange: (part: Partial<PageDraft>) => void;
}

const KINDS: readonly Location["kind"][] = ["none", "text", "phone", "address", "video"];

export function PageFields({ draft, error, onChange }: FieldsProps) {
  const { t } = useTranslation("host");
  const { location } = draft;
  const hasText = location.kind !== "none" && location.kind !== "video";
  return (
    <Stack>
      <TextInput label={t("pageName")} name="name" required value={draft.name} error={fieldError(error, "/name")}
        onChange={(event) => { onChange({ name: event.currentTarget.value }); }} />
      <TextInput label={t("slug")} description={t("slug_help")} name="slug" value={draft.slug} error={fieldError(error, "/slug")}
        onChange={(event) => { onChange({ slug: event.currentTarget.value }); }} />
      <Textarea label={t("description")} autosize minRows={2} value={draft.description}
        onChange={(event) => { onChange({ description: event.currentTarget.value }); }} />
      <NativeSelect label={t("pageLanguage")} value={draft.language}
        data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
        onChange={(event) => { onChange({ language: asLanguage(event.currentTarget.value) ?? "en" }); }} />
      <NativeSelect label={t("location")} value={location.kind} data={KINDS.map((value) => ({ value, label: t(`location_${value}`) }))}
        onChange={(event) => {
          const kind = KINDS.find((each) => each === event.currentTarget.value) ?? "none";
          onChange({ location: kind === "none" || kind === "video" ? { kind } : { kind, text: location.text ?? "" } });
        }} />
      {hasText && (
        <TextInput label={t("locationText")} required value={location.text ?? ""} error={fieldError(error, "/location/text")}
          onChange={(event) => { onChange({ location: { kind: location.kind, text: event.currentTarget.value } }); }} />
      )}
    </Stack>
  );
}
