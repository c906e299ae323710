using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lepton.EndToEnd.Tests.Browsing;

/// <summary>
/// A tab, used as a person would: go somewhere, wait until something can be seen, press it with the mouse. Elements are
/// told by JavaScript expressions.
/// </summary>
internal sealed class Page(DevTools tab) : IAsyncDisposable
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan pace = TimeSpan.FromMilliseconds(100);

    public static async Task<Page> AttachAsync(Uri socket) => new(await DevTools.ConnectAsync(socket));

    public ValueTask DisposeAsync() => tab.DisposeAsync();

    public async Task GoAsync(string url)
    {
        JsonElement went = await tab.SendAsync("Page.navigate", new JsonObject { ["url"] = url });
        Assert.False(went.TryGetProperty("errorText", out JsonElement error), $"{url}: {error}");
    }

    /// <summary>What a JavaScript expression is worth, null where it fails: a page may be half there.</summary>
    public async Task<JsonElement?> ValueAsync(string expression)
    {
        JsonElement answer = await tab.SendAsync("Runtime.evaluate", new JsonObject
        {
            ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true,
        });
        return answer.TryGetProperty("exceptionDetails", out _)
            || !answer.GetProperty("result").TryGetProperty("value", out JsonElement value) ? null : value;
    }

    /// <summary>Everything that can be read on the page.</summary>
    public async Task<string> TextAsync() => (await ValueAsync("document.body.innerText"))?.GetString() ?? "";

    /// <summary>Waits until the expression is true, or fails with what was expected.</summary>
    public Task SeesAsync(string expression, string what, TimeSpan? longer = null) => UntilAsync(
        async () => await ValueAsync(expression) is { ValueKind: JsonValueKind.True }, () => what, longer);

    public static async Task UntilAsync(Func<Task<bool>> condition, Func<string> what, TimeSpan? longer = null)
    {
        Stopwatch watch = Stopwatch.StartNew();
        using PeriodicTimer turn = new(pace);
        while (!await condition())
        {
            Assert.True(watch.Elapsed < (longer ?? patience), $"not seen in time: {what()}");
            await turn.WaitForNextTickAsync();
        }
    }

    /// <summary>Presses an element with the mouse, once it is there, can be pressed and nothing lies over it.</summary>
    public async Task PressAsync(string element, string what)
    {
        JsonElement? at = null;
        await UntilAsync(async () =>
        {
            at = await ValueAsync($$"""
                (() => {
                  const e = {{element}};
                  if (!e || e.disabled) return null;
                  const box = e.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
                  return box.width > 0 && e.contains(document.elementFromPoint(x, y)) ? { x, y } : null;
                })()
                """);
            return at is { ValueKind: JsonValueKind.Object };
        }, () => $"{what}, to be pressed");
        foreach (string type in (string[])["mouseMoved", "mousePressed", "mouseReleased"])
        {
            await tab.SendAsync("Input.dispatchMouseEvent", new JsonObject
            {
                ["type"] = type, ["button"] = type == "mouseMoved" ? "none" : "left", ["clickCount"] = 1,
                ["x"] = at!.Value.GetProperty("x").GetDouble(), ["y"] = at.Value.GetProperty("y").GetDouble(),
            });
        }
    }

    /// <summary>Picture and text beside the test results, for whoever has to find out why a test failed.</summary>
    public async Task<string> KeepAsync(string name)
    {
        string path = Path.Combine(
            Directory.CreateDirectory(Path.Combine(CliProcess.Home, "build", "test-results")).FullName, name);
        JsonElement picture = await tab.SendAsync("Page.captureScreenshot", []);
        await File.WriteAllBytesAsync($"{path}.png", picture.GetProperty("data").GetBytesFromBase64());
        await File.WriteAllTextAsync($"{path}.txt",
            $"{(await ValueAsync("location.href"))?.GetString()}\n{await TextAsync()}\n");
        return $"{path}.png, {path}.txt";
    }
}
