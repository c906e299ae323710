namespace Lepton.Setup.Pki;

/// <summary>Files that only their owner reads, made once.</summary>
internal static class SecretFiles
{
    /// <summary>Writes the file if it is not there.</summary>
    public static void Ensure(string file, string content)
    {
        if (File.Exists(file))
            return;
        using var writer = new StreamWriter(new FileStream(file, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }));
        writer.WriteLine(content);
    }
}
