// A new step has begun: its heading gets the focus, so that keyboard and screen reader go on there.
import { useEffect, useRef, type RefObject } from "react";

export function useFocusOnce<T extends HTMLElement>(): RefObject<T | null> {
  const element = useRef<T>(null);
  useEffect(() => {
    element.current?.focus();
  }, []);
  return element;
}
