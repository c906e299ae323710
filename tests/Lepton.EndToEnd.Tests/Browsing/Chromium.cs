using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Lepton.EndToEnd.Tests.Browsing;

/// <summary>
/// Debian's Chromium without a screen, with a profile of its own that goes with it. Started by the first page, so that
/// a machine without Chromium skips the tests and not their fixture.
/// </summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly TimeSpan startTime = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo profile = Directory.CreateTempSubdirectory("lepton-browser-");
    private Process? process;
    private Uri? devTools;

    public static string Program { get; } = Path.Combine(CliProcess.Home, "tools", "chromium", "chromium");

    /// <summary>A new tab. Whoever logged in before in this browser is still logged in.</summary>
    internal async Task<Page> OpenAsync()
    {
        devTools ??= await StartAsync();
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
        Uri create = new($"http://{devTools.Authority}/json/new?about:blank");
        using HttpResponseMessage tab = await http.PutAsync(create, null);
        tab.EnsureSuccessStatusCode();
        using JsonDocument json = JsonDocument.Parse(await tab.Content.ReadAsStringAsync());
        return await Page.AttachAsync(new Uri(json.RootElement.GetProperty("webSocketDebuggerUrl").GetString()!));
    }

    public Task InitializeAsync() => Task.CompletedTask;

    // xunit 2 calls a fixture's IAsyncLifetime and passes over IAsyncDisposable.
    public async Task DisposeAsync()
    {
        if (process is not null)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }
        profile.Delete(recursive: true);
    }

    private async Task<Uri> StartAsync()
    {
        ProcessStartInfo start = new(Program,
        [
            "--remote-debugging-port=0", $"--user-data-dir={profile.FullName}", "--no-proxy-server", "--disable-gpu",
            // Root cannot have it, and no page but the platform's own is opened.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            // Tall enough for every row and log line: the dashboard makes only those that can be seen.
            "--window-size=1600,4000", "about:blank",
        ])
        {
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = profile.FullName;
        const string ready = "DevTools listening on ";
        TaskCompletionSource<Uri> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        StringBuilder said = new();
        process = new Process { StartInfo = start };
        // Read to the end: a full pipe would stop it.
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
                listening.TrySetException(new InvalidOperationException($"Chromium ended at once:\n{said}"));
            else if (line.Data.StartsWith(ready, StringComparison.Ordinal))
                listening.TrySetResult(new Uri(line.Data[ready.Length..]));
            else if (!listening.Task.IsCompleted)
                said.AppendLine(line.Data);
        };
        process.Start();
        process.BeginErrorReadLine();
        return await listening.Task.WaitAsync(startTime);
    }
}

/// <summary>A test that needs Chromium, which ./lepton test takes from Debian: skipped without it, but in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ChromiumFactAttribute : FactAttribute
{
    public ChromiumFactAttribute()
    {
        if (!File.Exists(Chromium.Program) && Environment.GetEnvironmentVariable("CI") != "true")
            Skip = "Chromium is absent; ./lepton test EndToEnd takes it from Debian's chromium-headless-shell by apt.";
    }
}
