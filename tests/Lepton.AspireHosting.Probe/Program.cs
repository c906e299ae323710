// What the tests start as a resource. `exit N` ends at once with that code; otherwise a server that tells its
// environment and process id, and whose health is whether the file named by PROBE_HEALTHY_FILE exists.
if (args is ["exit", var code])
{
    Console.WriteLine($"probe ends with {code}");
    return int.Parse(code, System.Globalization.CultureInfo.InvariantCulture);
}

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
var app = builder.Build();
app.MapGet("/environment/{name}", (string name) => Environment.GetEnvironmentVariable(name) ?? "");
app.MapGet("/pid", () => Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture));
app.MapGet("/arguments", () => string.Join(' ', args));
app.MapGet("/health", () => Environment.GetEnvironmentVariable("PROBE_HEALTHY_FILE") is { Length: > 0 } file
    && !File.Exists(file) ? Results.StatusCode(503) : Results.Ok());
app.MapGet("/say/{word}", (string word) =>
{
    Console.WriteLine($"said {word}");
    Console.Error.WriteLine($"complained {word}");
});
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine("probe started"));
await app.RunAsync();
return 0;
