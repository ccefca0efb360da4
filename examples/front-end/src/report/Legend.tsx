// What the colours and signs mean.
import { Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { SIGNS, STATES } from "./signs";
import classes from "./states.module.css";

export function Legend() {
  const { t } = useTranslation("host");
  return (
    <Group gap="sm" component="ul" p={0} m={0} aria-label={t("legend")} style={{ listStyle: "none" }}>
      {STATES.map((state) => (
        <Group key={state} component="li" gap={6} wrap="nowrap">
          <span className={`${classes.swatch ?? ""} ${classes[state] ?? ""}`} aria-hidden>{SIGNS[state]}</span>
          <Text size="sm">{t(`state_${state}`)}</Text>
        </Group>
      ))}
    </Group>
  );
}
