// One of the page's own questions.
import { Checkbox, NativeSelect, Textarea, TextInput } from "@mantine/core";
import type { FormField } from "../../generated";

interface Props {
  field: FormField;
  value: string | boolean | undefined;
  error: string | undefined;
  onChange: (value: string | boolean) => void;
}

const INPUT_TYPES = { text: "text", email: "email", phone: "tel", number: "number", date: "date" } as const;

export function QuestionInput({ field, value, error, onChange }: Props) {
  const shared = { label: field.label, error, name: field.id, required: field.required };
  if (field.kind === "checkbox") {
    return <Checkbox {...shared} aria-invalid={error !== undefined} checked={value === true} onChange={(event) => { onChange(event.currentTarget.checked); }} />;
  }
  const text = typeof value === "string" ? value : "";
  if (field.kind === "choice") {
    const options = ["", ...(field.options ?? [])];
    return <NativeSelect {...shared} data={options} value={text} onChange={(event) => { onChange(event.currentTarget.value); }} />;
  }
  if (field.kind === "long_text") {
    return <Textarea {...shared} autosize minRows={3} value={text} onChange={(event) => { onChange(event.currentTarget.value); }} />;
  }
  return (
    <TextInput {...shared} type={INPUT_TYPES[field.kind]} value={text} onChange={(event) => { onChange(event.currentTarget.value); }} />
  );
}
