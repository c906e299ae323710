namespace Lepton.Setup.Outputs;

/// <summary>
/// A folder that set-up makes. It is filled beside its place and renamed into it with its stamp inside, so it is
/// either absent, old and whole, or new and whole, however a run ends.
/// </summary>
internal sealed class OutputDirectory(string path, string inputs)
{
    private const string StampName = ".stamp";

    public string Path { get; } = path;

    private string Parent => System.IO.Path.GetFullPath(System.IO.Path.Combine(Path, ".."));

    private string Prefix => $".{System.IO.Path.GetFileName(Path)}.";

    public bool IsCurrent()
    {
        var stamp = System.IO.Path.Combine(Path, StampName);
        return File.Exists(stamp) && File.ReadAllText(stamp) == inputs;
    }

    public async Task ReplaceAsync(Func<string, Task> fill)
    {
        Directory.CreateDirectory(Parent);
        // Set-up holds the lock: whatever lies here is an interrupted run's.
        foreach (var leftover in Directory.EnumerateDirectories(Parent, Prefix + "*"))
            Directory.Delete(leftover, recursive: true);
        var fresh = System.IO.Path.Combine(Parent, $"{Prefix}new");
        var old = System.IO.Path.Combine(Parent, $"{Prefix}old");
        Directory.CreateDirectory(fresh);
        await fill(fresh);
        await File.WriteAllTextAsync(System.IO.Path.Combine(fresh, StampName), inputs);
        if (Directory.Exists(Path))
            Directory.Move(Path, old);
        Directory.Move(fresh, Path);
        if (Directory.Exists(old))
            Directory.Delete(old, recursive: true);
    }
}
