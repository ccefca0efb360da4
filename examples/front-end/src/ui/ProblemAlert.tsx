// A refusal, in the API's own words: they are in the reader's language already.
import { Alert } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { asProblem } from "../api/problem";

export function ProblemAlert({ error }: { error: unknown }) {
  const { t } = useTranslation();
  if (error === null || error === undefined) return null;
  const problem = asProblem(error);
  return (
    <Alert color="red" role="alert" title={problem?.title}>
      {problem?.detail ?? t("noAnswer")}
      {problem !== null && problem.errors.length > 0 && (
        <ul>
          {problem.errors.map((each) => (
            <li key={each.pointer + each.code}>{each.detail}</li>
          ))}
        </ul>
      )}
    </Alert>
  );
}
