using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Convoy.Distributed.Launch;

namespace Convoy.Distributed.Tests.Launch;

/// <summary>What the system only calls "no such file" or "exec format error" is told apart.</summary>
public sealed class StartFailureTests : IDisposable
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite, Executable = Readable | UnixFileMode.UserExecute;

    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-start-").FullName;

    public StartFailureTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The programs are of POSIX systems.");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("crlf.sh", "#!/bin/sh\r\necho hi\r\n", true, "a script with Windows line endings, for which the system looks for the interpreter \"/bin/sh\\r\"). Give it Unix line endings: sed -i 's/\\r$//' {0}.")]
    [InlineData("crlf.sh", "#!/bin/sh\r\necho hi\r\n", false, "a script with Windows line endings, for which the system looks for the interpreter \"/bin/sh\\r\"). Give it Unix line endings: sed -i 's/\\r$//' {0}.")]
    [InlineData("crlf-space.sh", "#! /bin/sh\r\n", true, "a script with Windows line endings, for which the system looks for the interpreter \"/bin/sh\\r\"). Give it Unix line endings: sed -i 's/\\r$//' {0}.")]
    [InlineData("absent", "#!/nowhere/python -u\nprint(1)\n", true, "a script whose interpreter is missing, \"/nowhere/python\"). Install it, or correct the script's first line.")]
    [InlineData("own.sh", "#!/bin/sh\necho hi\n", false, "no permission to run it). Make it executable: chmod +x {0}, or write /bin/sh {0} instead.")]
    [InlineData("env.py", "#!/usr/bin/env python3\nprint(1)\n", false, "no permission to run it). Make it executable: chmod +x {0}, or write python3 {0} instead.")]
    [InlineData("script.py", "print(1)\n", false, "a file for python3, not a program). Write python3 {0} --epochs 3 instead.")]
    [InlineData("script.py", "print(1)\n", true, "a file for python3, not a program). Write python3 {0} --epochs 3 instead.")]
    [InlineData("my.dll", "MZ\u0001", false, "a .NET assembly, which dotnet runs). Write dotnet {0} --epochs 3 instead.")]
    [InlineData("my.dll", "MZ\u0001", true, "a .NET assembly, which dotnet runs). Write dotnet {0} --epochs 3 instead.")]
    [InlineData("my.exe", "MZ\u0001", true, "a program for Windows). Build it for this system.")]
    [InlineData("empty", "", true, "an empty file). Build it, or name another one.")]
    [InlineData("empty.py", "", false, "an empty file). Build it, or name another one.")]
    [InlineData("plain", "some text\n", false, "no permission to run it). Make it executable: chmod +x {0}.")]
    [InlineData("plain", "some text\n", true, "neither a program of this machine nor a script whose first line names its interpreter, as #!/bin/sh does). Name the program that runs it.")]
    public async Task RunAsync_FileThatDoesNotStart_SaysWhyAndWhatToDo(string name, string text, bool executable, string expected)
    {
        Assert.SkipWhen(executable && name.EndsWith("ll", StringComparison.Ordinal) && File.Exists("/proc/sys/fs/binfmt_misc/cli"), "This system runs assemblies.");
        string path = Write(name, Encoding.UTF8.GetBytes(text), executable);

        LaunchException error = await Assert.ThrowsAsync<LaunchException>(() => RunAsync(path));

        Assert.Equal($"the program cannot be started ({path}: {string.Format(null, expected, path)}", error.Message);
    }

    [Fact]
    public async Task RunAsync_ProgramOfAnotherProcessor_NamesBoth()
    {
        Assert.SkipUnless(RuntimeInformation.OSArchitecture is Architecture.X64 or Architecture.Arm64, "The names are those of these two.");
        bool here = RuntimeInformation.OSArchitecture == Architecture.X64;
        Assert.SkipWhen(File.Exists(here ? "/proc/sys/fs/binfmt_misc/qemu-aarch64" : "/proc/sys/fs/binfmt_misc/qemu-x86_64"), "This system emulates the other processor.");
        string path = Write("other", Elf(here ? (ushort)183 : (ushort)62, "/lib/ld.so"), executable: true);

        LaunchException error = await Assert.ThrowsAsync<LaunchException>(() => RunAsync(path));

        string processors = here ? "ARM64 processors, and this one is x86-64" : "x86-64 processors, and this one is ARM64";
        Assert.Equal($"the program cannot be started ({path}: a program for {processors}). Build it for this machine.", error.Message);
    }

    [Fact]
    public async Task RunAsync_ProgramWhoseLoaderIsAbsent_NamesTheLoader()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.OSArchitecture == Architecture.X64, "The file is one of Linux on x86-64.");
        string path = Write("musl", Elf(62, "/lib/ld-nowhere.so.1"), executable: true);

        LaunchException error = await Assert.ThrowsAsync<LaunchException>(() => RunAsync(path));

        Assert.Equal(
            $"the program cannot be started ({path}: a program whose loader is missing, \"/lib/ld-nowhere.so.1\"). Build it for this system, or install the C library that it was built with.",
            error.Message);
    }

    [Fact]
    public async Task RunAsync_Folder_SaysSo()
    {
        LaunchException error = await Assert.ThrowsAsync<LaunchException>(() => RunAsync(_folder));

        Assert.Equal($"the program cannot be started ({_folder}: a folder). Name the program in it.", error.Message);
    }

    [Fact]
    public async Task RunAsync_NameThatIsNowhere_SaysWhereItWasLookedFor()
    {
        LaunchException error = await Assert.ThrowsAsync<LaunchException>(() => RunAsync("convoy-no-such-program"));

        Assert.Equal("the program cannot be started (convoy-no-such-program: no such file here or in PATH). Check its name, or give its path.", error.Message);
    }

    [Fact]
    public async Task RunAsync_PathWithASpace_IsQuotedInTheRemedy()
    {
        string path = Write("my script.py", "print(1)\n"u8.ToArray(), executable: false);

        LaunchException error = await Assert.ThrowsAsync<LaunchException>(() => RunAsync(path));

        Assert.EndsWith($"Write python3 '{path}' --epochs 3 instead.", error.Message, StringComparison.Ordinal);
    }

    private static Task<LaunchResult> RunAsync(string program) =>
        new Launcher(new LauncherOptions { Program = new LaunchProgram(program, ["--epochs", "3"]), ProcessCount = 1 }).RunAsync(TestContext.Current.CancellationToken);

    private string Write(string name, byte[] content, bool executable)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, executable ? Executable : Readable);
        }

        return path;
    }

    // A 64-bit little-endian file whose only program header names its loader.
    private static byte[] Elf(ushort machine, string loader)
    {
        byte[] name = [.. Encoding.ASCII.GetBytes(loader), 0];
        var file = new byte[120 + name.Length];
        "\u007fELF"u8.CopyTo(file);
        (file[4], file[5], file[6]) = (2, 1, 1);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(16), 2);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(18), machine);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(20), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(32), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(52), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(54), 56);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(56), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(64), 3);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(72), 120);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(96), (ulong)name.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(104), (ulong)name.Length);
        name.CopyTo(file, 120);
        return file;
    }
}
