#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# git on a local repository: commits, branches, a merge, clones by path and by upload-pack, gc, fsck.
set -e
export HOME="$PWD" GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat GIT_EDITOR=true
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_AUTHOR_DATE='1600000000 +0000'
export GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org GIT_COMMITTER_DATE='1600000000 +0000'
git init -q -b main one
cd one
git config gc.auto 0
for i in 1 2 3; do
    mkdir -p "dir$i"
    for j in 1 2 3 4 5; do seq $((i * j * 100)) >"dir$i/file$j"; done
    git add .
    git commit -q -m "commit $i"
done
git checkout -q -b side HEAD~1
echo side >side
git add side
git commit -q -m side
git checkout -q main
git merge -q -m 'merge of side' side
git log --oneline --graph --stat
git tag -a -m 'a tag' v1
echo changed >>dir1/file1
git diff | cat
git stash -q
git stash pop -q
git commit -qam 'changed'
printf '#!/bin/sh\necho the hook ran\n' >.git/hooks/post-commit
chmod +x .git/hooks/post-commit
git commit -q --allow-empty -m 'empty'
git rebase -q --exec 'git log -1 --format=%%s' HEAD~2
cd ..
git clone -q one two
git clone -q --no-local one three
git -C three log --format='%H %an %s'
git -C three describe
cd one
git gc -q
git fsck --strict
git count-objects -v | grep -E 'in-pack|packs|garbage'
cd ../two
echo more >more
git add more
git commit -q -m more
git push -q ../one HEAD:refs/heads/pushed
git -C ../one rev-parse pushed
git grep -c '^77$' | sort | head -5
git archive --format=tar HEAD | tar tf - | sort | head -4
cd ..
rm -rf one two three .gitconfig
