// A moment to choose, in full. On a phone it takes two lines.
import { Button } from "@mantine/core";
import { formatMoment } from "../i18n/format";

interface Props {
  start: string;
  timeZone: string;
  wanted?: boolean;
  disabled?: boolean;
  onPick: (start: string) => void;
}

export function TimeButton({ start, timeZone, wanted = false, disabled = false, onPick }: Props) {
  return (
    <Button variant={wanted ? "filled" : "default"} disabled={disabled} h="auto" mih={36} py={6}
      styles={{ label: { whiteSpace: "normal", textAlign: "start" } }} onClick={() => { onPick(start); }}>
      {formatMoment(start, timeZone)}
    </Button>
  );
}
