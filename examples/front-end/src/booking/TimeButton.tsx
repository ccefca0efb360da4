// A moment to choose, in full. On a phone it takes two lines. What is only on request looks and reads so.
import { Button, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { formatMoment } from "../i18n/format";

interface Props {
  start: string;
  timeZone: string;
  wanted?: boolean;
  disabled?: boolean;
  onRequest?: boolean;
  onPick: (start: string) => void;
}

export function TimeButton({ start, timeZone, wanted = false, disabled = false, onRequest = false, onPick }: Props) {
  const { t } = useTranslation();
  return (
    <Button variant={wanted ? "filled" : "default"} disabled={disabled} h="auto" mih={36} py={6}
      style={onRequest ? { borderStyle: "dashed" } : undefined}
      styles={{ label: { whiteSpace: "normal", textAlign: "start" } }} onClick={() => { onPick(start); }}>
      <span>
        {formatMoment(start, timeZone)}
        {onRequest && <Text component="span" size="xs" display="block">{t("onRequest")}</Text>}
      </span>
    </Button>
  );
}
