# The edge: Varnish 7 before the public bucket.
#
# For readers: index documents, 301 and 410 from an object's metadata, the site's own 404 page, the rail by ESI, and
# stale pages while the store is down. For publish workers: PURGE by surrogate key (shared/site/keys.py), hard or soft.
# `infra/local/edge` has the same contract on a machine without Varnish.
#
#   PURGE /            xkey-purge: article:abc path:/world/x/      hard: deleted at once
#   PURGE /            xkey-softpurge: listing:home                soft: served again only while the store is down
#   PURGE /world/x/                                                hard: the cached response of that path
#   with the Host of a site                                        paths of that site; with any other: of every site
#   -> 200 {"purged": n}, and n in x-purged
#
# From the environment: PRESSLINE_PUBLIC_BUCKET, PRESSLINE_PURGE_TOKEN (optional); `start` writes the rest.

vcl 4.1;

import header;
import std;
import var;
import xkey;

include "origin.vcl";  # backend `store`
include "sites.vcl";   # sub find_site: sets x-site to the bucket and prefix of a Host's site; empty for an unknown Host
include "headers.vcl"; # sub add_headers: ./headers

# Clients that may purge: this machine and private networks; if a token is set, only with the token.
acl neighbours {
    "127.0.0.0"/8;
    "10.0.0.0"/8;
    "172.16.0.0"/12;
    "192.168.0.0"/16;
    "::1";
    "fc00::"/7;
}

sub vcl_recv {
    if (req.restarts == 0) {
        unset req.http.x-folder;
        unset req.http.x-missing;
        unset req.http.x-store-down;
    }
    # Remove the query and the fragment: no key of the bucket contains them.
    set req.url = regsub(req.url, "[?#].*$", "");
    # One name in the cache for one object: percent-encoding with digits in upper case, as in links of pages.
    if (req.url ~ "%([a-f]|[0-9A-F][a-f])") {
        call use_upper_case_digits;
    }
    set req.url = regsub(req.url, "/index\.html$", "/");

    if (req.method == "PURGE") {
        call purge;
    }
    if (req.url == "/.pressline/healthz") {
        return (synth(200, "ok"));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (synth(405, "Method Not Allowed"));
    }
    call find_site;
    if (req.http.x-site == "") {
        return (synth(421, "Misdirected Request"));
    }
    call refuse_odd_paths;

    # `/world` may be a folder: fetch its index document, and redirect the reader if the document exists.
    if (req.esi_level == 0 && !req.http.x-missing && req.url ~ "/[^/.]+$") {
        set req.http.x-folder = "1";
        set req.url = req.url + "/";
    }

    # While the store answers, serve no stale page: a softly purged front page must not show a killed headline again.
    # While the store is down, serve stale pages for a day.
    if (!req.http.x-store-down && std.healthy(store)) {
        set req.grace = 0s;
    } else {
        set req.grace = 24h;
    }
    unset req.http.Cookie;
    unset req.http.Authorization;
    return (hash);
}

# VCL has no function that changes the case of a match: one step per digit, first place first, then second place.
sub use_upper_case_digits {
    set req.url = regsuball(req.url, "%a", "%A");
    set req.url = regsuball(req.url, "%b", "%B");
    set req.url = regsuball(req.url, "%c", "%C");
    set req.url = regsuball(req.url, "%d", "%D");
    set req.url = regsuball(req.url, "%e", "%E");
    set req.url = regsuball(req.url, "%f", "%F");
    set req.url = regsuball(req.url, "%([0-9A-F])a", "%\1A");
    set req.url = regsuball(req.url, "%([0-9A-F])b", "%\1B");
    set req.url = regsuball(req.url, "%([0-9A-F])c", "%\1C");
    set req.url = regsuball(req.url, "%([0-9A-F])d", "%\1D");
    set req.url = regsuball(req.url, "%([0-9A-F])e", "%\1E");
    set req.url = regsuball(req.url, "%([0-9A-F])f", "%\1F");
}

# Reject second names of one object, which would fill the cache and which no purge by path would find. So characters are
# percent-encoded if and only if they must be. Reject `..` too.
sub refuse_odd_paths {
    if (req.url !~ "^/" || req.url ~ "^.{1025}" || req.url ~ "//" || req.url ~ "/\.\.?(/|$)" || req.url ~ "[\\\x00-\x20\x7f-\xff]"
        || req.url ~ "%($|.$|[^0-9A-F]|.[^0-9A-F])" || req.url ~ "(?i)%(2[def]|3[0-9]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9aef]|[01])") {
        return (synth(404, "Not Found"));
    }
}

sub purge {
    if (client.ip !~ neighbours) {
        return (synth(403, "Forbidden"));
    }
    if (std.getenv("PRESSLINE_PURGE_TOKEN") != "" && req.http.x-purge-token != std.getenv("PRESSLINE_PURGE_TOKEN")) {
        return (synth(403, "Forbidden"));
    }
    # Record the time before the purge: responses in transit may be older (see vcl_backend_response).
    var.global_set("purged-at", "" + std.time2real(now, 0.0));
    if (!req.http.xkey-purge && !req.http.xkey-softpurge) {
        set req.http.xkey-purge = "path:" + req.url;
    }
    call find_site;
    if (req.http.x-site != "" && req.http.xkey-purge) {
        set req.http.xkey-purge = regsuball(req.http.xkey-purge, "(^|\s)path:/", "\1place:" + req.http.x-site + "/");
    }
    if (req.http.x-site != "" && req.http.xkey-softpurge) {
        set req.http.xkey-softpurge = regsuball(req.http.xkey-softpurge, "(^|\s)path:/", "\1place:" + req.http.x-site + "/");
    }
    set req.http.x-hard = "0";
    set req.http.x-soft = "0";
    if (req.http.xkey-purge) {
        set req.http.x-hard = xkey.purge(req.http.xkey-purge);
    }
    if (req.http.xkey-softpurge) {
        set req.http.x-soft = xkey.softpurge(req.http.xkey-softpurge);
    }
    var.set_int("purged", std.integer(req.http.x-hard, 0) + std.integer(req.http.x-soft, 0));
    return (synth(200, "Purged"));
}

sub vcl_hash {
    hash_data(req.http.x-site); # not the Host: a site may have several names
    hash_data(req.url);
    return (lookup);
}

sub vcl_hit {
    if (obj.ttl > 0s) {
        set req.http.x-cache = "HIT";
    } else {
        set req.http.x-cache = "STALE";
    }
}

sub vcl_miss {
    set req.http.x-cache = "MISS";
}

sub vcl_pass {
    set req.http.x-cache = "PASS";
}

# --- requests to the store ---

sub vcl_backend_fetch {
    var.set_real("began", std.time2real(now, 0.0));
    if (bereq.retries == 0) {
        var.set("path", bereq.url);
        var.set("place", bereq.http.x-site + bereq.url);
        # Never request a key that ends in a slash: SeaweedFS answers 200 with an empty body.
        set bereq.url = bereq.http.x-site + regsub(bereq.url, "/$", "/index.html");
    }
    # Varnish sends the store's own Host: a store that reads the bucket from Host must not get the reader's.
    unset bereq.http.Host;
    # The status is in the metadata, and a 304 has no metadata: always fetch the whole object.
    unset bereq.http.If-None-Match;
    unset bereq.http.If-Modified-Since;
    unset bereq.http.Accept-Encoding;
    unset bereq.http.Origin;
    unset bereq.http.Cookie;
    header.regsub(bereq, "(?i)^x-(amz|seaweed|purge|site|host)[^:]*:.*$", "x-dropped: 1");
    unset bereq.http.x-dropped;
    unset bereq.body;
}

sub vcl_backend_response {
    if (beresp.status == 404 || beresp.status == 403) {
        return (error(404, "Not Found")); # AWS answers 403 to clients that may not list
    }
    if (beresp.status != 200) {
        if (bereq.retries == 0) {
            return (retry);
        }
        return (abandon);
    }

    set beresp.http.xkey = "path:" + var.get("path") + " place:" + var.get("place") + " " + beresp.http.x-amz-meta-surrogate-keys;
    if (beresp.http.x-amz-meta-status ~ "^(301|302|308)$") {
        if (beresp.http.x-amz-meta-location !~ "^(/|https?://)") {
            return (abandon);
        }
        set beresp.http.Location = beresp.http.x-amz-meta-location;
        set beresp.status = std.integer(beresp.http.x-amz-meta-status, 301);
    } else if (beresp.http.x-amz-meta-status == "410") {
        set beresp.status = 410;
    }

    # s-maxage was for this cache and is in beresp.ttl now; browsers are not purged.
    set beresp.http.Cache-Control = regsub(beresp.http.Cache-Control, {"(?i)\s*\bs-maxage\s*=\s*"?\d+"?\s*(,|$)"}, "");
    set beresp.http.Cache-Control = regsub(beresp.http.Cache-Control, "[\s,]+$", "");
    if (beresp.http.Cache-Control == "") {
        unset beresp.http.Cache-Control;
    }
    header.regsub(beresp, "(?i)^(x-amz|seaweed|x-seaweed)[^:]*:.*$", "x-dropped: 1");
    unset beresp.http.x-dropped;
    unset beresp.http.Server;
    unset beresp.http.Vary;
    unset beresp.http.Set-Cookie;

    set beresp.grace = 24h;
    set beresp.keep = 0s;
    call shorten_ttl_of_overtaken_response;

    if (beresp.http.Content-Type ~ "(?i)^(text/|image/svg|application/([a-z.+-]*(json|xml)|javascript))") {
        set beresp.do_gzip = true;
    }
    if (beresp.http.Content-Type ~ "(?i)^text/html") {
        set beresp.do_esi = true;
        # The ETag covers the page without its ESI fragments; a reader's copy may have another rail.
        unset beresp.http.ETag;
        unset beresp.http.Last-Modified;
    }
}

# A purge finds responses in the cache, not responses in transit. A response whose request began before the last purge
# may contain the purged bytes. It serves the waiting requests, and expires after a second.
sub shorten_ttl_of_overtaken_response {
    if (var.get_real("began") <= std.real(var.global_get("purged-at"), 0.0) + 0.002) {
        if (beresp.ttl > 1s) {
            set beresp.ttl = 1s;
        }
        set beresp.grace = 0s;
    }
}

sub vcl_backend_error {
    if (beresp.status == 404) {
        set beresp.http.xkey = "path:" + var.get("path") + " place:" + var.get("place");
        set beresp.http.Content-Type = "text/plain; charset=utf-8";
        set beresp.ttl = 5s;
        set beresp.grace = 0s;
        set beresp.keep = 0s;
        call shorten_ttl_of_overtaken_response;
        synthetic("");
        return (deliver);
    }
    return (abandon); # the cached response stays
}

# --- responses to readers ---

sub vcl_deliver {
    if (resp.status == 404 && req.esi_level == 0) {
        if (req.url == "/404.html") {
            return (synth(404, "Not Found")); # the site has no 404 page
        }
        unset req.http.x-folder;
        set req.http.x-missing = "1";
        set req.url = "/404.html";
        return (restart);
    }
    if (req.http.x-folder) {
        return (synth(751, "Moved Permanently"));
    }
    if (req.http.x-missing) {
        set resp.status = 404;
        set resp.http.Cache-Control = "no-cache";
    }
    set resp.http.x-cache = req.http.x-cache;
    if (resp.http.Age) {
        set resp.http.x-cache-age = resp.http.Age;
        unset resp.http.Age; # it would shorten max-age, which begins only now
    }
    unset resp.http.xkey;
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    call protect;
}

sub vcl_synth {
    if (resp.status == 503 && !req.http.x-store-down && req.method != "PURGE") {
        set req.http.x-store-down = "1"; # try again with stale pages: a page up to a day old is better than none
        return (restart);
    }
    if (resp.status == 404 && req.url != "/404.html" && req.method != "PURGE" && req.esi_level == 0) {
        set req.http.x-missing = "1";
        set req.url = "/404.html";
        return (restart);
    }
    set resp.http.Content-Type = "text/plain; charset=utf-8";
    set resp.http.Cache-Control = "no-store";
    if (req.method == "PURGE" && resp.status == 200) {
        set resp.http.Content-Type = "application/json";
        set resp.http.x-purged = var.get_int("purged");
        synthetic({"{"purged": "} + var.get_int("purged") + "}");
    } else if (resp.status == 503) {
        set resp.http.Retry-After = "5";
        synthetic("the origin does not answer");
    } else {
        synthetic(std.tolower(resp.reason));
    }
    if (resp.status == 751) {
        set resp.status = 301;
        set resp.http.Location = req.url;
        set resp.http.Cache-Control = "max-age=60";
    } else if (resp.status == 405) {
        set resp.http.Allow = "GET, HEAD, PURGE";
    }
    unset resp.http.X-Varnish;
    call protect;
    return (deliver);
}

sub protect {
    call add_headers;
    set resp.http.x-pressline-edge = "varnish";
    unset resp.http.Server;
}
