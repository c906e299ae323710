using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;

namespace Lepton.Identity.Devices;

/// <summary>The one page for people: plain HTML, no script, nothing from elsewhere.</summary>
internal static class DevicePage
{
    private const string Style = "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;"
        + "padding:0 1rem}label{display:block;margin:.8rem 0}input{display:block;width:100%;font:inherit;"
        + "box-sizing:border-box;padding:.3rem}button{font:inherit;margin:.8rem .8rem 0 0;padding:.3rem 1rem}"
        + ".note{border-left:4px solid #b35;padding-left:.8rem}";

    // Only this style, and forms only to here; nothing may frame the page.
    private static readonly string Policy = "default-src 'none'; style-src 'sha256-"
        + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))
        + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

    /// <summary>The form, with what there is to say about the last try.</summary>
    public static Task WriteFormAsync(HttpContext context, int status, string? note, string userCode, string token)
    {
        var code = HtmlEncoder.Default.Encode(userCode.Length <= 64 ? userCode : "");
        return WriteAsync(context, status, "Log a device in", $"""
            {(note is null ? "" : $"<p class=\"note\" role=\"alert\">{HtmlEncoder.Default.Encode(note)}</p>")}
            <p>Enter the code that your own device shows. If somebody sent you a code, do not enter it: whoever sent it
            would act in your name.</p>
            <form method="post" action="/device">
            <input type="hidden" name="token" value="{token}">
            <label>Code <input name="user_code" value="{code}" autocomplete="off" autocapitalize="characters"
            spellcheck="false" maxlength="64" required></label>
            <label>User name <input name="username" autocomplete="username" autocapitalize="none" spellcheck="false"
            maxlength="63"></label>
            <label>Password <input name="password" type="password" autocomplete="current-password"
            maxlength="1024"></label>
            <button name="action" value="approve">Approve</button>
            <button name="action" value="refuse">Refuse</button>
            </form>
            """);
    }

    /// <summary>The end.</summary>
    public static Task WriteEndAsync(HttpContext context, string message) =>
        WriteAsync(context, StatusCodes.Status200OK, message, "<p>You may close this page.</p>");

    /// <summary>Refused before anything was read.</summary>
    public static Task WriteRefusalAsync(HttpContext context, int status, string message, TimeSpan? wait = null)
    {
        if (wait is { } time)
            context.Response.Headers.RetryAfter =
                Math.Ceiling(time.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        return WriteAsync(context, status, message, "<p><a href=\"/device\">Begin again</a></p>");
    }

    /// <summary>A random value for the cookie, and for the form.</summary>
    public static string CreateToken() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    private static async Task WriteAsync(HttpContext context, int status, string title, string body)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.XFrameOptions = "DENY";
        response.Headers["Referrer-Policy"] = "no-referrer"; // the address may hold a code
        response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
        var page = $"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>{HtmlEncoder.Default.Encode(title)}</title><style>{Style}</style></head>
            <body><h1>{HtmlEncoder.Default.Encode(title)}</h1>
            {body}
            </body></html>
            """;
        await response.WriteAsync(page, context.RequestAborted);
    }
}
