// A dialog: one title, one way out. The library's own head would be a second banner of the page.
import { Group, Modal, type ModalRootProps } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface Props extends Pick<ModalRootProps, "opened" | "onClose" | "size"> {
  title: string;
  children: ReactNode;
}

export function Dialog({ title, children, ...root }: Props) {
  const { t } = useTranslation("host");
  return (
    <Modal.Root {...root}>
      <Modal.Overlay />
      <Modal.Content>
        <Group justify="space-between" wrap="nowrap" px="md" pt="md" pb="xs">
          <Modal.Title fw={600}>{title}</Modal.Title>
          <Modal.CloseButton aria-label={t("close")} />
        </Group>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
