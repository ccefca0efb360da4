// The look: calm, and dark enough to read. Every pair of colours below has a contrast of at least 4.5.
import { createTheme, defaultVariantColorsResolver, type CSSVariablesResolver } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: 8,
  defaultRadius: "md",
  cursorType: "pointer",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
  headings: { fontWeight: "650" },
  variantColorResolver: (input) => {
    const resolved = defaultVariantColorsResolver(input);
    if (input.variant !== "light" && input.variant !== "subtle") return resolved;
    const color = input.color ?? input.theme.primaryColor;
    return { ...resolved, color: `color-mix(in srgb, var(--mantine-color-${color}-9) 70%, black)` };
  },
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#525a65",
    "--mantine-color-placeholder": "#666d77",
    "--mantine-color-error": "#b42318",
  },
  dark: {},
});
