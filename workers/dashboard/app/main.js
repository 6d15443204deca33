// Where the page begins.
import "./first.js";
import {follow} from "./address.js";
import {begin, show} from "./frame.js";
import {useLanguage} from "./language.js";
import {useTheme} from "./theme.js";

useTheme();
await useLanguage();
begin();
follow(show);
await show();
