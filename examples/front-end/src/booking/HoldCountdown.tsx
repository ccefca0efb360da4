// How long the time is kept. Told to screen readers when it begins and when it ends, not every second.
import { Alert } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

export function HoldCountdown({ expiresAt }: { expiresAt: string }) {
  const { t } = useTranslation();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const ticking = window.setInterval(() => { setNow(Date.now()); }, 1000);
    return () => { window.clearInterval(ticking); };
  }, []);
  const left = Math.max(0, Math.ceil((Date.parse(expiresAt) - now) / 1000));
  if (left === 0) {
    return (
      <Alert color="orange" role="alert">
        {t("holdEnded")}
      </Alert>
    );
  }
  const clock = `${String(Math.floor(left / 60))}:${String(left % 60).padStart(2, "0")}`;
  return (
    <Alert color="indigo" role="timer" aria-live="off">
      {t("held", { left: clock })}
    </Alert>
  );
}
