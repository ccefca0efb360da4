// A week as a table of times. One stop for the tab key; the arrow keys go from time to time.
import { useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import type { ReportedTime } from "../../generated";
import { formatCivilDay } from "../i18n/format";
import { stateOf, type Week } from "./grid";
import { SIGNS } from "./signs";
import classes from "./states.module.css";

interface Props {
  week: Week;
  chosen: ReportedTime | null;
  onChoose: (time: ReportedTime) => void;
}

const STEPS: Record<string, [row: number, column: number]> = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};
const SHORT: Intl.DateTimeFormatOptions = { day: "numeric", month: "short" };

export function WeekGrid({ week, chosen, onChoose }: Props) {
  const { t } = useTranslation("host");
  const [[row, column], setStop] = useState<[number, number]>([0, 0]);
  const title = t("weekOf", { day: formatCivilDay(week.firstDay, SHORT) });

  function go(event: KeyboardEvent<HTMLTableElement>) {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next: [number, number] = [
      Math.min(week.rows.length - 1, Math.max(0, row + step[0])),
      Math.min(week.days.length - 1, Math.max(0, column + step[1])),
    ];
    setStop(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-place="${next.join("-")}"]`)?.focus();
  }

  return (
    <table className={classes.grid} aria-label={title} onKeyDown={go}>
      <thead>
        <tr>
          <td />
          {week.days.map((day) => (
            <th key={day} scope="col" aria-label={formatCivilDay(day)}>
              {formatCivilDay(day, { weekday: "narrow" })}<br />{formatCivilDay(day, { day: "numeric" })}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {week.rows.map((time, rowIndex) => (
          <tr key={time}>
            <th scope="row">{time}</th>
            {week.days.map((day, columnIndex) => (
              <td key={day}>
                <Cell time={week.cells.get(`${day} ${time}`)} label={`${formatCivilDay(day)} ${time}`} chosen={chosen}
                  place={[rowIndex, columnIndex]} isStop={rowIndex === row && columnIndex === column}
                  onChoose={(chosenTime) => { setStop([rowIndex, columnIndex]); onChoose(chosenTime); }} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface CellProps {
  time: ReportedTime | undefined;
  label: string;
  chosen: ReportedTime | null;
  place: [number, number];
  isStop: boolean;
  onChoose: (time: ReportedTime) => void;
}

function Cell({ time, label, chosen, place, isStop, onChoose }: CellProps) {
  const { t } = useTranslation("host");
  if (time === undefined) return null;
  const state = stateOf(time);
  return (
    <button type="button" className={`${classes.cell ?? ""} ${classes[state] ?? ""}`} data-place={place.join("-")} data-state={state}
      data-start={time.start_at} tabIndex={isStop ? 0 : -1} aria-pressed={chosen?.start_at === time.start_at}
      aria-label={`${label}: ${t(`state_${state}`)}`} onClick={() => { onChoose(time); }}>
      {SIGNS[state]}
    </button>
  );
}
