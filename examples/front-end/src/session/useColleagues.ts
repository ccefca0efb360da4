// Who works here, by the ids that the API speaks of. A CRM knows; the service is told by it.
import { useQuery } from "@tanstack/react-query";
import { listPeople, type Person } from "./session";

export function useColleagues(): Map<string, Person> {
  const people = useQuery({ queryKey: ["people"], queryFn: listPeople });
  return new Map((people.data ?? []).map((person) => [person.user_id, person]));
}
