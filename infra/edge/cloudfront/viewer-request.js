// A CloudFront Function (runtime 2.0) on viewer requests: an address becomes the name of an object. One name in the
// cache for one object: no query, and a folder is its index document.
function handler(event) {
    const request = event.request;
    const last = request.uri.slice(request.uri.lastIndexOf("/") + 1);
    request.querystring = {};
    if (last === "") {
        request.uri += "index.html";
    } else if (!last.includes(".")) {
        return {
            statusCode: 301,
            statusDescription: "Moved Permanently",
            headers: { location: { value: request.uri + "/" }, "cache-control": { value: "max-age=60" } },
        };
    }
    return request;
}
