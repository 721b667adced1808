// A CloudFront Function (runtime 2.0) on viewer requests: turns an address into the name of an object. Each object has
// one name in the cache: without a query, and with the index document for a folder.
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
