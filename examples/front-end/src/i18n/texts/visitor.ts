// What visitors read, in every language; the compiler sees to it that none lacks a text.
export { en } from "./visitor.en";
export { sv } from "./visitor.sv";
export { de } from "./visitor.de";
export { it } from "./visitor.it";
export { pl } from "./visitor.pl";
