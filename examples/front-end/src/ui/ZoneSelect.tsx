// A time zone, by its name; what it is called is the same in every language.
import { Select } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { allZones } from "../i18n/format";

export function ZoneSelect({ value, onChange }: { value: string; onChange: (zone: string) => void }) {
  const { t } = useTranslation();
  const zones = useMemo(() => {
    const all = allZones();
    return (all.includes(value) ? all : [value, ...all]).map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }));
  }, [value]);
  return (
    <Select
      label={t("timeZone")}
      data={zones}
      value={value}
      limit={60}
      searchable
      allowDeselect={false}
      onChange={(zone) => {
        if (zone !== null) onChange(zone);
      }}
    />
  );
}
