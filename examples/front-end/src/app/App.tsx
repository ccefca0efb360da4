// Every address of the application. Those under /meetings, /bookings/… and /meeting-requests stand in people's mails.
import { Navigate, Route, Routes } from "react-router";
import { BookingRoute } from "../booking/BookingRoute";
import { ChatRoute } from "../booking/ChatRoute";
import { MeetingsRoute } from "../booking/MeetingsRoute";
import { NotFound } from "../booking/NotFound";
import { RequestRoute } from "../booking/RequestRoute";
import { BookingsPage } from "../bookings/BookingsPage";
import { EditPage } from "../pages/EditPage";
import { PagesPage } from "../pages/PagesPage";
import { ReportPage } from "../report/ReportPage";
import { SignInPage } from "../session/SignInPage";
import { SettingsPage } from "../settings/SettingsPage";
import { TimelinePage } from "../timeline/TimelinePage";
import { Shell } from "./Shell";

export function App() {
  return (
    <Routes>
      <Route path="/meetings/*" element={<MeetingsRoute />} />
      <Route path="/chat/:widgetKey" element={<ChatRoute />} />
      <Route path="/bookings/:bookingId/reschedule" element={<BookingRoute action="reschedule" />} />
      <Route path="/bookings/:bookingId/cancel" element={<BookingRoute action="cancel" />} />
      <Route path="/meeting-requests/:requestId/withdraw" element={<RequestRoute />} />
      <Route path="/sign-in" element={<SignInPage />} />
      <Route element={<Shell />}>
        <Route index element={<Navigate to="/settings/calendar" replace />} />
        <Route path="/settings/calendar" element={<SettingsPage />} />
        <Route path="/pages" element={<PagesPage />} />
        <Route path="/pages/new" element={<EditPage />} />
        <Route path="/pages/:pageId" element={<EditPage />} />
        <Route path="/pages/:pageId/times" element={<ReportPage />} />
        <Route path="/bookings" element={<BookingsPage />} />
        <Route path="/bookings/:bookingId/timeline" element={<TimelinePage />} />
      </Route>
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
