// The invitation as a file. It needs the visitor's token, so a plain link would not do.
import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { downloadPublicInvite } from "../../generated";

export function InviteDownload({ bookingId, token }: { bookingId: string; token: string }) {
  const { t } = useTranslation();
  const download = useMutation({
    mutationFn: async () => {
      const { data } = await downloadPublicInvite({ path: { booking_id: bookingId }, auth: token, parseAs: "blob", throwOnError: true });
      const url = URL.createObjectURL(data as unknown as Blob);
      const link = Object.assign(document.createElement("a"), { href: url, download: "invite.ics" });
      link.click();
      URL.revokeObjectURL(url);
    },
  });
  return (
    <Button variant="default" loading={download.isPending} onClick={() => { download.mutate(); }}>
      {t("invite")}
    </Button>
  );
}
