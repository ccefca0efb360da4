// What hosts read, in every language; the compiler sees to it that none lacks a text.
export { en } from "./host.en";
export { sv } from "./host.sv";
export { de } from "./host.de";
export { it } from "./host.it";
export { pl } from "./host.pl";
