"use strict";

/** The addon: built at the install, or prebuilt. Throws where there is none; the proxy then uses its other engine. */
module.exports = require("node-gyp-build")(__dirname);
