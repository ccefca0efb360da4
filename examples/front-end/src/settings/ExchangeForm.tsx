// An Exchange of one's own: the provider says which fields there are, and discovery which of them this server needs.
import { Button, Group, PasswordInput, Stack, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";
import { createConnection, discoverExchangeServer, type ConnectField } from "../../generated";
import { fieldError } from "../api/problem";
import { useSession } from "../session/session";
import { ProblemAlert } from "../ui/ProblemAlert";
import { returnUrl } from "./providers";

interface Props {
  fields: ConnectField[];
  disclosureVersion: string;
  onDone: () => void;
}

// Asked for only when discovery says that this server needs them.
const BASIC = new Set(["email", "password", "username"]);
type Values = Record<string, string>;

export function ExchangeForm({ fields, disclosureVersion, onDone }: Props) {
  const { t } = useTranslation("host");
  const queries = useQueryClient();
  const sandboxed = useSession()?.exchange ?? null;
  const [values, setValues] = useState<Values>({});
  const [needed, setNeeded] = useState<Set<string>>(BASIC);
  const connect = useMutation({
    mutationFn: async () => {
      const credentials = { email: values.email ?? "", password: values.password ?? "", username: values.username || null,
        ews_url: values.ews_url || null, version: values.version || null, certificate: values.certificate || null };
      const { data: found } = await discoverExchangeServer({ body: { ...credentials, client: "web" }, throwOnError: true });
      if (!found.verified) return found.required_fields.map((field) => field.name);
      await createConnection({
        body: { ...credentials, provider: "exchange", client: "web", disclosure_version: disclosureVersion, return_url: returnUrl() },
        throwOnError: true,
      });
      return [];
    },
    onSuccess: async (missing) => {
      setNeeded(new Set([...needed, ...missing]));
      if (missing.length > 0) return;
      await queries.invalidateQueries();
      onDone();
    },
  });
  const shown = fields.filter((field) => needed.has(field.name));
  return (
    <form onSubmit={(event: SubmitEvent) => { event.preventDefault(); connect.mutate(); }}>
      <Stack>
        {shown.map((field) => (
          <Field key={field.name} field={field} value={values[field.name] ?? ""}
            error={fieldError(connect.error, `/${field.name}`)}
            onChange={(value) => { setValues({ ...values, [field.name]: value }); }} />
        ))}
        <ProblemAlert error={connect.error} />
        <Group>
          <Button type="submit" loading={connect.isPending}>{t("connect")}</Button>
          {sandboxed !== null && (
            <Button variant="default" onClick={() => {
              setValues({ ...sandboxed });
              setNeeded(new Set(fields.map((field) => field.name)));
            }}>
              {t("fillInSandbox")}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}

interface FieldProps {
  field: ConnectField;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}

function Field({ field, value, error, onChange }: FieldProps) {
  const shared = { label: field.label, description: field.help, required: field.required, value, error, name: field.name };
  const change = (event: { currentTarget: { value: string } }) => { onChange(event.currentTarget.value); };
  if (field.secret) return <PasswordInput {...shared} autoComplete="off" onChange={change} />;
  if (field.name === "certificate") return <Textarea {...shared} autosize minRows={2} maxRows={4} onChange={change} />;
  return <TextInput {...shared} type={field.name === "email" ? "email" : "text"} onChange={change} />;
}
