// What is on and what is off. What cannot be chosen says why, in the API's words.
import { Checkbox, Stack, Switch } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { fieldError } from "../api/problem";
import type { SectionProps } from "./SettingsForm";

const BOXES = ["calendar_sync", "task_sync", "scheduling_pages", "tentative_blocks", "auto_confirm_requests"] as const;

export function SwitchSettings({ settings, draft, me, error, onChange }: SectionProps) {
  const { t } = useTranslation("host");
  const refusal = (name: string) => {
    const status = me.capabilities.find((each) => each.capability === name);
    return status === undefined || status.available ? null : `${status.reason_text ?? ""} ${status.remedy ?? ""}`.trim();
  };
  return (
    <Stack>
      {BOXES.map((name) => {
        const why = refusal(name);
        const checked = draft[name] ?? settings[name];
        return (
          <Checkbox key={name} label={t(name)} description={why ?? t(`${name}_help`)} checked={checked} name={name}
            disabled={why !== null && !checked} error={fieldError(error, `/${name}`)}
            onChange={(event) => { onChange({ [name]: event.currentTarget.checked }); }} />
        );
      })}
      <Switch label={t("turned_off")} description={t("turned_off_help")} checked={draft.turned_off ?? settings.turned_off}
        onChange={(event) => { onChange({ turned_off: event.currentTarget.checked }); }} />
    </Stack>
  );
}
