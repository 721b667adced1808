// A Lambda@Edge function (Node.js) on origin responses. It turns an object's metadata into the status and headers of the
// response that CloudFront caches. S3 answers 403 for a missing object to clients that may not list: readers get 404.
"use strict";

const PHRASES = { 301: "Moved Permanently", 302: "Found", 308: "Permanent Redirect", 404: "Not Found", 410: "Gone" };

exports.handler = async (event) => {
    const response = event.Records[0].cf.response;
    const headers = response.headers;
    const metadata = (name) => (headers[`x-amz-meta-${name}`] || [{ value: "" }])[0].value;
    const answer = (status) => {
        response.status = status;
        response.statusDescription = PHRASES[status];
    };
    const [status, location] = [metadata("status"), metadata("location")];
    if (response.status === "403") {
        answer("404");
    } else if (["301", "302", "308"].includes(status) && /^(\/|https?:\/\/)/.test(location)) {
        answer(status);
        headers.location = [{ key: "Location", value: location }];
    } else if (status === "410") {
        answer(status);
    }
    for (const name of Object.keys(headers)) {
        if (name.startsWith("x-amz-meta-") && name !== "x-amz-meta-surrogate-keys") {
            delete headers[name];
        }
    }
    return response;
};
