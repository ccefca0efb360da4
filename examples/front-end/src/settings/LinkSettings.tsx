// The links people are given: their prefix, the one e-mails insert, their domain, the chat's.
import { Anchor, Checkbox, NativeSelect, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { listDomainsOptions, listMeetingLinksOptions } from "../../generated/@tanstack/react-query.gen";
import { fieldError } from "../api/problem";
import { ALL_DOMAINS } from "./Domains";
import type { SectionProps } from "./SettingsForm";

export function LinkSettings({ settings, draft, error, onChange }: SectionProps) {
  const { t } = useTranslation("host");
  const links = useQuery(listMeetingLinksOptions({ query: { limit: 100 } }));
  const domains = useQuery(listDomainsOptions(ALL_DOMAINS));
  const chat = draft.chat_profile ?? settings.chat_profile;
  const pages = (links.data?.items ?? []).map((link) => ({ value: link.page_id, label: link.name }));
  const connected = (domains.data?.items ?? []).filter((domain) => domain.status === "connected");
  const now = <T,>(drafted: T | null | undefined, kept: T | null) => (drafted === undefined ? kept : drafted);
  const orNull = (value: string) => (value === "" ? null : value);
  return (
    <Stack>
      <TextInput label={t("meetings_url")} description={t("meetings_url_help")} placeholder="ada" name="meetings_url"
        value={now(draft.meetings_url, settings.meetings_url) ?? ""} error={fieldError(error, "/meetings_url")}
        onChange={(event) => { onChange({ meetings_url: orNull(event.currentTarget.value) }); }} />
      <NativeSelect label={t("default_page")} description={t("default_page_help")} data={[{ value: "", label: t("oldestPage") }, ...pages]}
        value={now(draft.default_page_id, settings.default_page_id) ?? ""} error={fieldError(error, "/default_page_id")}
        onChange={(event) => { onChange({ default_page_id: orNull(event.currentTarget.value) }); }} />
      <NativeSelect label={t("domain")} description={t("domain_help")} error={fieldError(error, "/domain_id")}
        data={[{ value: "", label: t("sharedDomain") }, ...connected.map((each) => ({ value: each.id, label: each.name }))]}
        value={now(draft.domain_id, settings.domain_id) ?? ""}
        onChange={(event) => { onChange({ domain_id: orNull(event.currentTarget.value) }); }} />
      <Checkbox label={t("chat")} description={t("chat_help")} checked={chat.enabled} error={fieldError(error, "/chat_profile")}
        onChange={(event) => { onChange({ chat_profile: { enabled: event.currentTarget.checked, page_id: chat.page_id } }); }} />
      {chat.enabled && (
        <NativeSelect label={t("chatPage")} data={[{ value: "", label: t("defaultPageOption") }, ...pages]} value={chat.page_id ?? ""}
          onChange={(event) => { onChange({ chat_profile: { enabled: true, page_id: orNull(event.currentTarget.value) } }); }} />
      )}
      {settings.chat_profile.enabled && settings.chat_profile.widget_key !== null && (
        <Anchor component={Link} underline="always" to={`/chat/${settings.chat_profile.widget_key}`}>{t("chatSee")}</Anchor>
      )}
    </Stack>
  );
}
