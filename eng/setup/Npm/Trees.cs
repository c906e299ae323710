namespace Lepton.Setup.Npm;

/// <summary>Moving and marking unpacked files.</summary>
internal static class Trees
{
    private const UnixFileMode ExecutableMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public static void MoveContent(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (var directory in Directory.EnumerateDirectories(source))
            Directory.Move(directory, Path.Combine(target, Path.GetFileName(directory)));
        foreach (var file in Directory.EnumerateFiles(source))
            File.Move(file, Path.Combine(target, Path.GetFileName(file)));
    }

    public static void MoveFile(string source, string target)
    {
        if (!File.Exists(source))
            throw new SetupException($"A package does not hold the expected file {source}.");
        Directory.GetParent(target)?.Create();
        File.Move(source, target);
    }

    public static void MakeExecutable(params IEnumerable<string> programs)
    {
        foreach (var program in programs)
            File.SetUnixFileMode(program, ExecutableMode);
    }
}
