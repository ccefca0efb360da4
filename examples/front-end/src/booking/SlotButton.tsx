// One open time. What is only on request looks and reads so.
import { Button, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Slot } from "../../generated";
import { formatTime } from "../i18n/format";

interface Props {
  slot: Slot;
  timeZone: string;
  disabled: boolean;
  onPick: (slot: Slot) => void;
}

export function SlotButton({ slot, timeZone, disabled, onPick }: Props) {
  const { t } = useTranslation();
  const onRequest = slot.grade === "request_only";
  return (
    <Button
      variant="default"
      h={onRequest ? 52 : 40}
      disabled={disabled}
      data-start={slot.start_at}
      data-grade={slot.grade}
      style={onRequest ? { borderStyle: "dashed" } : undefined}
      onClick={() => {
        onPick(slot);
      }}
    >
      <span>
        {formatTime(slot.start_at, timeZone)}
        {onRequest && (
          <Text component="span" size="xs" c="dimmed" display="block">
            {t("onRequest")}
          </Text>
        )}
      </span>
    </Button>
  );
}
